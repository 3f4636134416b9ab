/** Whose account a customer is; supervisors say so. */

import {App, Select} from "antd";
import {useTranslation} from "react-i18next";

import type {Customer} from "../contract/rest";
import {useLanguage} from "../i18n";
import {useRefusalText} from "../i18n/refusal-text";
import {useDirectory, useMe, useNames, useSetAccountOwner} from "../rest/queries";
import {maySupervise} from "../rest/roles";

export function AccountOwner({customer}: {customer: Customer}) {
  const {t} = useTranslation();
  const names = useNames(useLanguage());
  const {data: me} = useMe();
  if (maySupervise(me)) return <OwnerSelect customer={customer} />;
  const owner_id = customer.account_owner_id;
  return owner_id === "" ? (
    <p className="tl-quiet" data-testid="account-owner">
      {t("customer.noOwner")}
    </p>
  ) : (
    <p data-testid="account-owner">{names.agent(owner_id)}</p>
  );
}

function OwnerSelect({customer}: {customer: Customer}) {
  const {t} = useTranslation();
  const {message} = App.useApp();
  const refusalText = useRefusalText();
  const {data: directory} = useDirectory();
  const setting = useSetAccountOwner(customer.customer_id);
  const owner_id = setting.isPending ? setting.variables : customer.account_owner_id;
  const options = (directory?.agents ?? []).map(({agent_id, name}) => ({value: agent_id, label: name || agent_id}));
  const choose = (agent_id: string | undefined) => {
    setting.mutate(agent_id ?? "", {onError: (error) => void message.error(refusalText(error))});
  };
  return (
    <Select
      className="tl-owner"
      showSearch={{optionFilterProp: "label"}}
      allowClear
      loading={setting.isPending}
      {...(owner_id === "" ? {} : {value: owner_id})}
      options={options}
      onChange={choose}
      placeholder={t("customer.noOwner")}
      aria-label={t("customer.owner")}
      data-testid="account-owner"
    />
  );
}
