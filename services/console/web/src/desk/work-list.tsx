/** Everything on the agent's plate: offers, conversations, wrap-ups. */

import {useTranslation} from "react-i18next";

import {useNow} from "../connection/ticking";
import type {WorkItem, WorkState} from "../contract/desk";
import {clockTime} from "../i18n/duration";
import {useLanguage} from "../i18n";
import {useNames} from "../rest/queries";
import {ChannelIcon} from "./channel-icon";
import {actions, deskClock, useDesk} from "./desk";
import {newestOf, parkedFirst, unreadOf} from "./desk-state";
import {useCustomerName} from "./customer-name";

const ORDER: WorkState[] = ["OFFERED", "CONNECTING", "CONNECTED", "WRAP_UP"];
const TONES: Record<WorkState, string> = {OFFERED: "bad", CONNECTING: "busy", CONNECTED: "good", WRAP_UP: "warn"};

export function WorkList({work}: {work: readonly WorkItem[]}) {
  const {t} = useTranslation();
  const at_hand = work.filter((item) => item.parked === null);
  const sorted = at_hand.sort((a, b) => ORDER.indexOf(a.state) - ORDER.indexOf(b.state) || compare(a.since, b.since));
  return (
    <>
      <h2>{sorted.length === 0 ? t("desk.work") : t("desk.workCount", {count: sorted.length})}</h2>
      {sorted.length === 0 && <p className="tl-quiet">{t("desk.noWork")}</p>}
      <ul className="tl-work" data-testid="work-list">
        {sorted.map((item) => (
          <li key={item.contact_id}>
            <WorkButton item={item} />
          </li>
        ))}
      </ul>
      <ParkedList work={work} />
    </>
  );
}

function ParkedList({work}: {work: readonly WorkItem[]}) {
  const {t} = useTranslation();
  const parked = parkedFirst(work);
  if (parked.length === 0) return null;
  return (
    <>
      <h2 title={t("parking.help")}>{t("parking.count", {count: parked.length})}</h2>
      <ul className="tl-work" data-testid="parked-list">
        {parked.map((item) => (
          <li key={item.contact_id}>
            <WorkButton item={item} />
          </li>
        ))}
      </ul>
    </>
  );
}

function WorkButton({item}: {item: WorkItem}) {
  const {t} = useTranslation();
  const names = useNames(useLanguage());
  const now_ms = useNow(deskClock);
  const selected = useDesk((desk) => desk.selected === item.contact_id);
  const contact = useDesk((desk) => desk.contacts[item.contact_id]);
  const unread = useDesk((desk) => (item.state === "CONNECTED" ? unreadOf(desk, item.contact_id) : 0));
  const name = useCustomerName(contact);
  const newest = newestOf(contact);
  const since = clockTime(now_ms - Date.parse(shownSince(item)));
  return (
    <button
      type="button"
      className={`tl-work-item tl-work-${item.state.toLowerCase()}`}
      aria-current={selected}
      onClick={() => actions.select(item.contact_id)}
      data-testid={`work-${item.contact_id}`}
      data-state={item.state}
      data-parked={item.parked !== null}
    >
      <span className="tl-work-row">
        <ChannelIcon channel={item.channel} />
        <strong className="tl-cut">{name}</strong>
      </span>
      {newest !== "" && <span className="tl-cut tl-work-newest">{newest}</span>}
      <span className="tl-work-row">
        <span className="tl-cut tl-quiet">{names.queue(item.queue_id)}</span>
        <span className="tl-quiet">{t(item.state === "OFFERED" ? "desk.waited" : "desk.since", {time: since})}</span>
      </span>
      <span className="tl-work-row">
        <StateTag item={item} />
        {item.callback && <span className="tl-tag">{t("desk.callback")}</span>}
        {unread > 0 && <span className="tl-tag tl-unread">{t("desk.unread", {count: unread})}</span>}
      </span>
    </button>
  );
}

function StateTag({item}: {item: WorkItem}) {
  const {t} = useTranslation();
  if (item.customer_waits !== null) return <span className="tl-tag tl-tag-bad">{t("parking.customerWaits")}</span>;
  if (item.parked !== null && item.state === "CONNECTED") return <span className="tl-tag">{t("parking.parked")}</span>;
  const dials = item.state === "CONNECTING" && item.callback && !item.callback_reached;
  const text = dials ? t("desk.dialling") : t(`desk.state.${item.state}`);
  return <span className={`tl-tag tl-tag-${TONES[item.state]}`}>{text}</span>;
}

function shownSince(item: WorkItem): string {
  if (item.state === "OFFERED") return item.entered;
  return item.customer_waits ?? (item.state === "CONNECTED" ? item.parked : null) ?? item.since;
}

function compare(a: string, b: string): number {
  return Date.parse(a) - Date.parse(b);
}
