/** The offer that rings: who, why me, how long, accept or decline. */

import {Button} from "antd";
import {useTranslation} from "react-i18next";

import {useNow} from "../connection/ticking";
import type {ContactView, WorkItem} from "../contract/desk";
import {clockTime} from "../i18n/duration";
import {useLanguage} from "../i18n";
import {useNames} from "../rest/queries";
import {ChannelIcon} from "./channel-icon";
import {CountDown} from "./count-down";
import {actions, deskClock, useDesk} from "./desk";
import {currentOffer, newestOf, notesOf} from "./desk-state";
import {KnownFor, NoteLine} from "./notes";
import {WhyPanel} from "./why-panel";

export function OfferCard({after}: {after?: () => void}) {
  const {t} = useTranslation();
  const offer = useDesk(currentOffer);
  const names = useNames(useLanguage());
  if (offer === undefined) return null;
  const words = {channel: t(`desk.channel.${offer.channel}`), queue: names.queue(offer.queue_id)};
  return (
    <section className="tl-offer" aria-label={t("offer.title", words)} data-testid="offer">
      <span className="tl-unseen" role="alert">
        {t("offer.announce", words)}
      </span>
      <div className="tl-offer-row">
        <Caller offer={offer} title={t("offer.title", words)} />
        <WhyPanel />
        <Answers offer={offer} after={after} />
      </div>
      <CountDown key={`${offer.contact_id}/${offer.offer_no}`} offer={offer} />
    </section>
  );
}

function Caller({offer, title}: {offer: WorkItem; title: string}) {
  const {t} = useTranslation();
  const now_ms = useNow(deskClock);
  const contact = useDesk((desk) => desk.contacts[offer.contact_id]);
  const newest = newestOf(contact);
  const note = notesOf(contact, offer.asked_by)[0];
  const names = useNames(useLanguage());
  return (
    <div className="tl-offer-caller">
      <h2>
        <ChannelIcon channel={offer.channel} /> {title}
      </h2>
      <p>{useCallerText(contact)}</p>
      {newest !== "" && <p className="tl-offer-question">{newest}</p>}
      {offer.asked_by !== "" && (
        <p className="tl-offer-question" data-testid="offer-asked">
          {t("offer.asked", {agent: names.agent(offer.asked_by)})}
        </p>
      )}
      <KnownFor preference={offer.preference} />
      {note !== undefined && <NoteLine {...note} />}
      {offer.callback && (
        <p className="tl-offer-question" data-testid="offer-callback">
          {t(offer.callback_reached ? "offer.callbackReached" : "offer.callback")}
        </p>
      )}
      <p className="tl-quiet">{t("desk.waited", {time: clockTime(now_ms - Date.parse(offer.entered))})}</p>
    </div>
  );
}

function useCallerText(contact: ContactView | undefined): string {
  const {t} = useTranslation();
  const customer = contact?.customer;
  if (contact === undefined) return "…";
  if (customer == null) return t("offer.newCustomer");
  return t("offer.customer", {name: (customer.name ?? "") || t("desk.anonymous"), count: customer.contacts});
}

function Answers({offer, after}: {offer: WorkItem; after: (() => void) | undefined}) {
  const {t} = useTranslation();
  const pending = useDesk((desk) => desk.pending.has(`offer:${offer.contact_id}`));
  const accept = () => {
    void actions.accept(offer);
    after?.();
  };
  return (
    <div className="tl-offer-answers">
      <Button
        type="primary"
        size="large"
        className="tl-accept"
        loading={pending}
        onClick={accept}
        data-testid="offer-accept"
      >
        {t("offer.accept")} <kbd>Alt+A</kbd>
      </Button>
      <Button size="large" disabled={pending} onClick={() => void actions.decline(offer)} data-testid="offer-decline">
        {t("offer.decline")} <kbd>Alt+D</kbd>
      </Button>
    </div>
  );
}
