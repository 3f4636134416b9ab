/** How a customer can be reached. */

import {useTranslation} from "react-i18next";

import type {Customer} from "../contract/rest";

export function Identities({identities}: Pick<Customer, "identities">) {
  const {t} = useTranslation();
  if (identities.length === 0) return <p className="tl-quiet">{t("customer.noIdentities")}</p>;
  return (
    <dl className="tl-facts">
      {identities.map(({channel, address}) => (
        <div key={`${channel} ${address}`}>
          <dt>{t(`customer.identity.${channel}` as "customer.identity.CHAT", {defaultValue: channel})}</dt>
          <dd className="tl-break">{address}</dd>
        </div>
      ))}
    </dl>
  );
}
