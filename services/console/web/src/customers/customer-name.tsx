/** A customer's name, which can be changed in place. */

import {App, Typography} from "antd";
import {useTranslation} from "react-i18next";

import type {Customer} from "../contract/rest";
import {useRefusalText} from "../i18n/refusal-text";
import {useRenameCustomer} from "../rest/queries";

const LONGEST = 100;

export function CustomerName({customer}: {customer: Customer}) {
  const {t} = useTranslation();
  const {message} = App.useApp();
  const refusalText = useRefusalText();
  const renaming = useRenameCustomer(customer.customer_id);
  const name = customer.name ?? "";
  const rename = (text: string) => {
    const wanted = text.trim();
    if (wanted === name) return;
    renaming.mutate(
      {name: wanted, version: customer.version},
      {onError: (error) => void message.error(refusalText(error))},
    );
  };
  const shown = (renaming.isPending ? renaming.variables.name : name) || t("customer.noName");
  return (
    <Typography.Text
      className="tl-customer-name"
      strong
      {...(name === "" ? {type: "secondary"} : {})}
      editable={{
        text: name,
        onChange: rename,
        maxLength: LONGEST,
        tooltip: t("customer.editName"),
        triggerType: ["icon", "text"],
      }}
      data-testid="customer-name"
    >
      {shown}
    </Typography.Text>
  );
}
