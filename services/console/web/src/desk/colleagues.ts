/** Colleagues whom an agent may ask or name; acd says why somebody cannot take it after all. */

import {useAgentsToChoose, useNameWithState} from "../wall/agents-to-choose";
import type {AgentState} from "../wall/wall-state";
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
  const own = useDesk((desk) => desk.agent?.agent_id);
  const withState = useNameWithState();
  return useAgentsToChoose()
    .filter(({agent_id, state}) => agent_id !== own && states.includes(state))
    .map((agent) => ({value: agent.agent_id, label: agent.state === "AVAILABLE" ? agent.name : withState(agent)}));
}
