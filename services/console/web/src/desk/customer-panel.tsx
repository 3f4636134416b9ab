/** Who writes or calls: name, identities, what was gathered, earlier contacts. */

import {useTranslation} from "react-i18next";
import {Link} from "react-router";

import type {ContactView} from "../contract/desk";
import {AccountOwner} from "../customers/account-owner";
import {CustomerName} from "../customers/customer-name";
import {History} from "../customers/history";
import {Identities} from "../customers/identities";
import {useCustomer} from "../rest/queries";
import {Failed, Waiting} from "../shell/waiting";

export function CustomerPanel({contact}: {contact: ContactView | undefined}) {
  const {t} = useTranslation();
  return (
    <>
      <Gathered texts={contact?.gathered ?? {}} />
      <section className="tl-panel" aria-label={t("customer.title")} data-testid="customer">
        <h2>
          {t("customer.title")}
          {contact?.customer_id && <Link to={`/customers/${contact.customer_id}`}>{t("customer.open")}</Link>}
        </h2>
        {contact?.customer_id ? (
          <Profile customer_id={contact.customer_id} contact_id={contact.contact_id} />
        ) : (
          <p className="tl-quiet">{t("customer.none")}</p>
        )}
      </section>
    </>
  );
}

function Profile({customer_id, contact_id}: {customer_id: string; contact_id: string}) {
  const {t} = useTranslation();
  const {data: customer, isPending, refetch} = useCustomer(customer_id);
  if (isPending) return <Waiting />;
  if (customer === undefined) return <Failed retry={() => void refetch()} />;
  return (
    <>
      <CustomerName customer={customer} />
      <h3>{t("customer.identities")}</h3>
      <Identities identities={customer.identities} />
      <h3>{t("customer.owner")}</h3>
      <AccountOwner customer={customer} />
      <h3>{t("customer.history")}</h3>
      <History contacts={customer.contacts.filter((each) => each.contact_id !== contact_id)} />
    </>
  );
}

export function Gathered({texts}: {texts: Readonly<Record<string, string>>}) {
  const {t} = useTranslation();
  const entries = Object.entries(texts);
  if (entries.length === 0) return null;
  return (
    <section className="tl-panel" aria-label={t("customer.gathered")} data-testid="gathered">
      <h2>{t("customer.gathered")}</h2>
      <dl className="tl-facts">
        {entries.map(([name, text]) => (
          <div key={name}>
            <dt>{t(`customer.attribute.${name}` as "customer.attribute.name", {defaultValue: name})}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
