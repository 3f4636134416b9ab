/** How a customer can be reached. */

import {useTranslation} from "react-i18next";

import type {Customer} from "../contract/rest";

const VISITOR = "visitor:";

/** A visitor's id is no address that anybody could write to: its end is enough to tell two apart. */
function shown(address: string): string {
  return address.startsWith(VISITOR) ? `#${address.slice(-6)}` : address;
}

function kindOf(channel: string, address: string): string {
  return address.startsWith(VISITOR) ? "VISITOR" : channel;
}

export function Identities({identities}: Pick<Customer, "identities">) {
  const {t} = useTranslation();
  if (identities.length === 0) return <p className="tl-quiet">{t("customer.noIdentities")}</p>;
  return (
    <dl className="tl-facts">
      {identities.map(({channel, address}) => (
        <div key={`${channel} ${address}`}>
          <dt>
            {t(`customer.identity.${kindOf(channel, address)}` as "customer.identity.CHAT", {defaultValue: channel})}
          </dt>
          <dd className="tl-break" title={address}>
            {shown(address)}
          </dd>
        </div>
      ))}
    </dl>
  );
}
