/** How a customer can be reached. */

import {useTranslation} from "react-i18next";

import type {Customer} from "../contract/rest";
import {shortId} from "../i18n/short-id";

const VISITOR = "visitor:";

/** A visitor's id is no address that anybody could write to. */
function shown(address: string): string {
  return address.startsWith(VISITOR) ? `#${shortId(address)}` : address;
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
