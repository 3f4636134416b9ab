/** The end of a contact's id: enough to tell the lines of a list apart. */

export function shortId(contact_id: string): string {
  return contact_id.slice(-6);
}
