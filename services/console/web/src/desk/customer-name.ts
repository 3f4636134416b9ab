/** How a contact's customer is called on the desk. */

import {useTranslation} from "react-i18next";

import type {ContactView} from "../contract/desk";
import {useKnownCustomer} from "../rest/queries";

/** The profile, where this page has read it, knows a name that was changed meanwhile. */
export function useCustomerName(contact: ContactView | undefined): string {
  const {t} = useTranslation();
  const {data: profile} = useKnownCustomer(contact?.customer_id ?? "");
  const name = profile === undefined ? contact?.customer?.name : profile.name;
  return (name ?? "") || (contact?.gathered.name ?? "") || t("desk.anonymous");
}
