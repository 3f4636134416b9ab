/** To whom a supervisor may give a contact: everybody, shown with what they do; acd says why they cannot have it. */

import {useAgentsToChoose, useNameWithState} from "../wall/agents-to-choose";

export function useAgentOptions() {
  const withState = useNameWithState();
  return useAgentsToChoose().map((agent) => ({value: agent.agent_id, label: withState(agent)}));
}
