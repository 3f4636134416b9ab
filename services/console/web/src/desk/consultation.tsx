/** Asks a colleague about a contact, and shows both agents who talks to whom and what they can do. */

import {Alert, Button, Space} from "antd";
import {useState} from "react";
import {useTranslation} from "react-i18next";

import type {Consultation, ContactView, WorkItem} from "../contract/desk";
import {useLanguage} from "../i18n";
import {useRefusalText} from "../i18n/refusal-text";
import {useNames} from "../rest/queries";
import {useWallConnection} from "../wall/wall";
import {useAvailableColleagues} from "./colleagues";
import {useCustomerName} from "./customer-name";
import {actions, useDesk} from "./desk";
import {Choice, HandOnDialog} from "./hand-on-dialog";

interface Props {
  item: WorkItem;
  contact: ContactView | undefined;
}

/** Only of a contact of one's own, about which nobody is asked yet. */
export function ConsultButton({item, contact}: Props) {
  const {t} = useTranslation();
  useWallConnection();
  const [isOpen, setOpen] = useState(false);
  const colleagues = useAvailableColleagues();
  const asking = useDesk((desk) => desk.pending.has(`consult:${item.contact_id}`));
  const waiting = asking || (contact?.transfer_queue_id ?? "") !== "";
  return (
    <>
      <Button
        loading={asking}
        disabled={waiting || colleagues.length === 0}
        title={t(colleagues.length === 0 ? "consultation.nobody" : helpOf(item))}
        onClick={() => {
          setOpen(true);
        }}
        data-testid="consult"
      >
        {t("consultation.button")}
      </Button>
      {isOpen && (
        <ConsultDialog
          item={item}
          colleagues={colleagues}
          onClose={() => {
            setOpen(false);
          }}
        />
      )}
    </>
  );
}

/** A chat has no hold, and its agent chooses with each message who reads it. */
function helpOf({channel}: WorkItem) {
  return channel === "CHAT" ? "consultation.chat.help" : "consultation.help";
}

interface DialogProps {
  item: WorkItem;
  colleagues: {value: string; label: string}[];
  onClose: () => void;
}

function ConsultDialog({item, colleagues, onClose}: DialogProps) {
  const {t} = useTranslation();
  const [agent_id, setAgent] = useState<string>();
  return (
    <HandOnDialog
      title={t("consultation.whom")}
      okText={t("consultation.button")}
      isComplete={agent_id !== undefined}
      send={(note) => void actions.consult(item.contact_id, agent_id ?? "", note)}
      onClose={onClose}
    >
      <p className="tl-quiet">{t(helpOf(item))}</p>
      <Choice
        label={t("consultation.colleague")}
        placeholder={t("consultation.choose")}
        value={agent_id}
        options={colleagues}
        choose={setAgent}
        testid="consult-agent"
      />
    </HandOnDialog>
  );
}

export function ConsultationPanel({item, contact}: Props) {
  const consultation = contact?.consultation ?? null;
  if (item.state === "OFFERED" || item.state === "WRAP_UP") return null;
  if (item.asked_by !== "") return <Asked item={item} contact={contact} />;
  if (consultation !== null) return <Asking item={item} contact={contact} consultation={consultation} />;
  return <CameToNothing item={item} contact={contact} />;
}

function Asking({item, contact, consultation}: Props & {consultation: Consultation}) {
  const {t} = useTranslation();
  const words = useWords(contact, consultation.agent_id);
  const contact_id = item.contact_id;
  const step = useStep(contact_id);
  const {state, talks_to} = consultation;
  const other = talks_to === "CUSTOMER" ? "COLLEAGUE" : "CUSTOMER";
  const isChat = item.channel === "CHAT";
  const said =
    state === "TALKING" ? (`consultation.talksTo.${talks_to}` as const) : (`consultation.state.${state}` as const);
  return (
    <section
      className="tl-consultation"
      aria-label={t("consultation.title")}
      data-testid="consultation"
      data-state={state}
    >
      <p role="status">{t(isChat ? `consultation.chat.state.${state}` : said, words)}</p>
      <Space wrap>
        {state === "TALKING" && (
          <>
            {!isChat && (
              <Button {...step("talk_to", () => actions.talkTo(contact_id, other))}>
                {t(`consultation.talkTo.${other}`)}
              </Button>
            )}
            <Button {...step("merge", () => actions.merge(contact_id))}>
              {t(isChat ? "consultation.chat.merge" : "consultation.merge")}
            </Button>
          </>
        )}
        {(state === "TALKING" || state === "CONFERENCE") && (
          <Button type="primary" {...step("complete", () => actions.complete(contact_id))}>
            {t("consultation.complete", words)}
          </Button>
        )}
        <Button {...step("leave_consultation", () => actions.leaveConsultation(contact_id))}>
          {t(state === "TALKING" || state === "CONFERENCE" ? "consultation.end" : "consultation.cancel")}
        </Button>
      </Space>
    </section>
  );
}

/** The colleague's side: who asks about whom, whether somebody is heard, and the way out. */
function Asked({item, contact}: Props) {
  const {t} = useTranslation();
  const words = useWords(contact, item.asked_by);
  const contact_id = item.contact_id;
  const step = useStep(contact_id);
  const consultation = contact?.consultation ?? null;
  const is_there = consultation?.state === "TALKING" || consultation?.state === "CONFERENCE";
  const isChat = item.channel === "CHAT";
  const is_held = !isChat && consultation?.state === "TALKING" && consultation.talks_to === "CUSTOMER";
  const heard = consultation?.state === "CONFERENCE" ? "all" : is_held ? "nobody" : "agent";
  return (
    <section
      className="tl-consultation"
      aria-label={t("consultation.title")}
      data-testid="consultation"
      data-state={consultation?.state ?? ""}
    >
      <p role="status">
        {t(isChat ? "consultation.chat.asked" : "consultation.asked", words)}{" "}
        {is_there &&
          t(isChat && heard !== "nobody" ? `consultation.chat.reads.${heard}` : `consultation.hears.${heard}`, words)}
      </p>
      {is_there && (
        <Button {...step("leave_consultation", () => actions.leaveConsultation(contact_id))}>
          {t("consultation.leave")}
        </Button>
      )}
    </section>
  );
}

const WORTH_SAYING = [
  "declined",
  "expired",
  "connect_failed",
  "colleague_left",
  "colleague_lost",
  "superseded",
] as const;

function CameToNothing({item, contact}: Props) {
  const {t} = useTranslation();
  const refusalText = useRefusalText();
  const refusal = contact?.consultation_refusal ?? "";
  const end = WORTH_SAYING.find((known) => known === contact?.consultation_end);
  if (refusal === "" && end === undefined) return null;
  const why = end === undefined ? refusalText({reason: refusal, message: refusal}) : t(`consultation.ended.${end}`);
  return (
    <Alert
      type="info"
      showIcon
      title={t(item.channel === "CHAT" ? "consultation.chat.over" : "consultation.over")}
      description={why}
      data-testid="consultation-over"
    />
  );
}

function useWords(contact: ContactView | undefined, agent_id: string) {
  const names = useNames(useLanguage());
  return {agent: names.agent(agent_id), customer: useCustomerName(contact)};
}

function useStep(contact_id: string) {
  const pending = useDesk((desk) => desk.pending);
  return (name: string, go: () => Promise<unknown>) => ({
    loading: pending.has(`${name}:${contact_id}`),
    onClick: () => void go(),
    "data-testid": `consultation-${name}`,
  });
}
