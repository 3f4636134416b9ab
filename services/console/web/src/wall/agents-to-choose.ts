/** The agents of the wall, for whom a contact may be meant; acd says why somebody cannot take it after all. */

import {useTranslation} from "react-i18next";

import {useLanguage} from "../i18n";
import {useNames} from "../rest/queries";
import {useWall} from "./wall";
import {agentsToChoose, type NamedAgent} from "./wall-order";

/** In the order of `agentsToChoose`. */
export function useAgentsToChoose(): NamedAgent[] {
  const names = useNames(useLanguage());
  return agentsToChoose(
    useWall((wall) => wall.agents),
    names.agent,
  );
}

/** The agent's name, with what the agent does. */
export function useNameWithState() {
  const {t} = useTranslation();
  return ({name, state}: NamedAgent) => `${name} · ${t(`wall.agentState.${state}`)}`;
}
