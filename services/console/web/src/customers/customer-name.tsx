/** A customer's name, which can be changed in place. */

import {App, Typography} from "antd";
import {useTranslation} from "react-i18next";

import type {Customer} from "../contract/rest";
import {Problem} from "../rest/client";
import {useRenameCustomer} from "../rest/queries";

const LONGEST = 100;

export function CustomerName({customer}: {customer: Customer}) {
  const {t} = useTranslation();
  const {message} = App.useApp();
  const renaming = useRenameCustomer(customer.customer_id);
  const name = customer.name ?? "";
  const rename = (text: string) => {
    const wanted = text.trim();
    if (wanted === name) return;
    renaming.mutate(
      {name: wanted, version: customer.version},
      {onError: (error) => void message.error(explain(error))},
    );
  };
  const explain = (error: Error) => {
    const outdated = error instanceof Problem && (error.status === 409 || error.status === 412);
    return outdated ? t("customer.conflict") : t("refusal.prefix", {message: error.message});
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
