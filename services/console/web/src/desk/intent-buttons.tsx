/** What the agent wants: available, a break with its reason, offline. */

import {Button, Dropdown, Space} from "antd";
import {useTranslation} from "react-i18next";

import {useNow} from "../connection/ticking";
import type {AgentView, Intent} from "../contract/desk";
import {clockTime} from "../i18n/duration";
import {useDirectory} from "../rest/queries";
import {actions, deskClock, useDesk} from "./desk";
import {useReasonName} from "./reason-name";

const TONES: Record<Intent, string> = {AVAILABLE: "tl-tone-good", BREAK: "tl-tone-warn", OFFLINE: "tl-tone-idle"};
const BUILT_IN_REASONS = ["lunch", "short", "training"];

export function IntentButtons() {
  const {t} = useTranslation();
  const agent = useDesk((desk) => desk.agent);
  const pending = useDesk((desk) => desk.pending);
  const face = (intent: Intent) => ({
    loading: pending.has(`intent:${intent}`),
    disabled: agent === null,
    "aria-pressed": agent?.intent === intent,
    className: agent?.intent === intent ? TONES[intent] : "",
    "data-testid": `intent-${intent.toLowerCase()}`,
  });
  return (
    <div className="tl-intent" role="group" aria-label={t("intent.label")}>
      <Space.Compact>
        <Button {...face("AVAILABLE")} onClick={() => void actions.intend("AVAILABLE")}>
          {t("intent.AVAILABLE")}
        </Button>
        <BreakMenu>
          <Button {...face("BREAK")} aria-haspopup="menu">
            {t("intent.BREAK")} ▾
          </Button>
        </BreakMenu>
        <Button {...face("OFFLINE")} onClick={() => void actions.intend("OFFLINE")}>
          {t("intent.OFFLINE")}
        </Button>
      </Space.Compact>
      {agent !== null && <Since agent={agent} />}
      {agent?.next_intent && <Next intent={agent.next_intent} />}
    </div>
  );
}

function Next({intent}: {intent: Intent}) {
  const {t} = useTranslation();
  return (
    <span className="tl-quiet" data-testid="intent-next" title={t("intent.nextHelp")}>
      {t("intent.next", {intent: t(`intent.${intent}`)})}
    </span>
  );
}

function BreakMenu({children}: {children: React.ReactNode}) {
  const {data} = useDirectory();
  const reasonName = useReasonName();
  const reasons = data?.break_reasons ?? BUILT_IN_REASONS;
  const items = reasons.map((reason) => ({
    key: reason,
    label: <span data-testid={`intent-break-${reason}`}>{reasonName(reason)}</span>,
  }));
  return (
    <Dropdown trigger={["click"]} menu={{items, onClick: ({key}) => void actions.intend("BREAK", key)}}>
      {children}
    </Dropdown>
  );
}

function Since({agent}: {agent: AgentView}) {
  const {t} = useTranslation();
  const now_ms = useNow(deskClock);
  const reasonName = useReasonName();
  const reason = agent.intent === "BREAK" && agent.break_reason !== "" ? `${reasonName(agent.break_reason)} · ` : "";
  return (
    <span className="tl-quiet" data-testid="intent-since">
      {reason}
      {t("intent.since", {time: clockTime(now_ms - Date.parse(agent.since))})}
    </span>
  );
}
