/** Colleagues whom an agent may ask or name; acd says why somebody cannot take it after all. */

import {useTranslation} from "react-i18next";

import {useLanguage} from "../i18n";
import {useNames} from "../rest/queries";
import {useWall} from "../wall/wall";
import {type AgentState, agentState} from "../wall/wall-state";
import {useDesk} from "./desk";

/** A contact may wait for a moment for who is busy, but not for who is away or blocked. */
const MAY_BE_NAMED: readonly AgentState[] = ["AVAILABLE", "CONNECTED", "CONNECTING", "RINGING", "WRAP_UP", "BREAK"];

/** Who is available now, but for oneself. */
export function useAvailableColleagues() {
  return useColleagues(["AVAILABLE"]);
}

/** Who could take a contact soon, those who are available first; the others with what they do. */
export function useNamedColleagues() {
  return useColleagues(MAY_BE_NAMED);
}

function useColleagues(states: readonly AgentState[]) {
  const {t} = useTranslation();
  const names = useNames(useLanguage());
  const own = useDesk((desk) => desk.agent?.agent_id);
  const label = (agent_id: string, state: AgentState) =>
    state === "AVAILABLE" ? names.agent(agent_id) : `${names.agent(agent_id)} · ${t(`wall.agentState.${state}`)}`;
  return Object.values(useWall((wall) => wall.agents))
    .map((row) => ({agent_id: row.agent_id, rank: states.indexOf(agentState(row)), state: agentState(row)}))
    .filter(({agent_id, rank}) => agent_id !== own && rank >= 0)
    .map(({agent_id, rank, state}) => ({value: agent_id, label: label(agent_id, state), rank: Math.min(rank, 1)}))
    .sort((one, other) => one.rank - other.rank || one.label.localeCompare(other.label))
    .map(({value, label}) => ({value, label}));
}
