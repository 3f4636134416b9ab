/** How a contact's customer is called on the desk. */

import {useTranslation} from "react-i18next";

import type {ContactView} from "../contract/desk";

export function useCustomerName(contact: ContactView | undefined): string {
  const {t} = useTranslation();
  return (contact?.customer?.name ?? "") || (contact?.gathered.name ?? "") || t("desk.anonymous");
}
