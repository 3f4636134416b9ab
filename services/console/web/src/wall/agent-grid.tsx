/** All agents: how many in each state, and each with the time in it; a supervisor says what an agent does. */

import {Empty} from "antd";
import {useTranslation} from "react-i18next";

import {useNow} from "../connection/ticking";
import type {AgentRow} from "../contract/wall";
import {useReasonName} from "../desk/reason-name";
import {clockTime, moment} from "../i18n/duration";
import {useLanguage} from "../i18n";
import {useNames} from "../rest/queries";
import {maySupervise} from "../rest/roles";
import {AgentDecision} from "../supervise/agent-decision";
import {AgentDrawer} from "../supervise/agent-drawer";
import {SupervisorButton} from "../supervise/supervisor-button";
import {useWall, wallClock} from "./wall";
import {sortedAgents} from "./wall-order";
import {AGENT_STATES, agentState, isSignedOut, lacksTelephone} from "./wall-state";

export function AgentGrid() {
  const {t} = useTranslation();
  const agents = sortedAgents(useWall((wall) => wall.agents));
  return (
    <>
      <div className="tl-page-head">
        <h2>{t("wall.agents")}</h2>
        <Counts agents={agents} />
      </div>
      {agents.length === 0 && <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t("wall.noAgents")} />}
      <ul className="tl-agents">
        {agents.map((row) => (
          <li key={row.agent_id}>
            <AgentTile row={row} />
          </li>
        ))}
      </ul>
    </>
  );
}

function Counts({agents}: {agents: readonly AgentRow[]}) {
  const {t} = useTranslation();
  const counts = AGENT_STATES.map((state) => ({
    state,
    count: agents.filter((row) => agentState(row) === state).length,
  }));
  const withoutTelephone = agents.filter(lacksTelephone).length;
  return (
    <ul className="tl-counts">
      {counts
        .filter(({count}) => count > 0)
        .map(({state, count}) => (
          <li key={state} className={`tl-state-${state.toLowerCase()}`} data-testid={`wall-agents-${state}`}>
            <strong>{count}</strong> {t(`wall.agentState.${state}`)}
          </li>
        ))}
      {withoutTelephone > 0 && (
        <li className="tl-state-no_telephone" data-testid="wall-agents-no-telephone">
          <strong>{withoutTelephone}</strong> {t("wall.noTelephone")}
        </li>
      )}
    </ul>
  );
}

function AgentTile({row}: {row: AgentRow}) {
  const {t} = useTranslation();
  const names = useNames(useLanguage());
  const reasonName = useReasonName();
  const now_ms = useNow(wallClock);
  const state = agentState(row);
  const reason = state === "BREAK" && row.break_reason !== "" ? ` · ${reasonName(row.break_reason)}` : "";
  const contacts = row.connected + row.connecting + row.offered + row.wrap_up;
  return (
    <div className={`tl-agent tl-state-${state.toLowerCase()}`}>
      <strong className="tl-cut">{names.agent(row.agent_id)}</strong>
      <span className="tl-agent-time">{clockTime(now_ms - Date.parse(row.since))}</span>
      <span className="tl-cut" data-testid={`wall-agent-${row.agent_id}-state`} data-state={state}>
        {t(`wall.agentState.${state}`)}
        {reason}
      </span>
      <span className="tl-agent-count">
        {contacts > 1 ? `${t("wall.contacts")} ${contacts}` : ""}
        {row.parked > 0 && ` ${t("wall.parked")} ${row.parked}`}
      </span>
      {lacksTelephone(row) && (
        <span className="tl-agent-telephone" data-testid={`wall-agent-${row.agent_id}-telephone`}>
          {t("wall.noTelephone")}
        </span>
      )}
      {row.called_in !== null && (
        <span className="tl-agent-called" data-testid={`wall-agent-${row.agent_id}-called-in`}>
          {t(isSignedOut(row) ? "wall.calledIn" : "wall.calledInHere", {time: moment(row.called_in.at)})}
        </span>
      )}
      <SupervisorButton
        label={t("monitoring.button")}
        testid={`wall-agent-${row.agent_id}-contacts`}
        className="tl-agent-command"
        may={maySupervise}
        isOffered={row.connected + row.parked > 0}
        opens={(close) => <AgentDrawer agent_id={row.agent_id} onClose={close} />}
      />
      <SupervisorButton
        label={t("supervise.change")}
        testid={`wall-agent-${row.agent_id}-command`}
        className="tl-agent-command"
        opens={(close) => <AgentDecision row={row} onClose={close} />}
      />
    </div>
  );
}
