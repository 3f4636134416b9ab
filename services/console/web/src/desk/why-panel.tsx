/** Why this contact came to this agent. */

import {useTranslation} from "react-i18next";

import {useLanguage} from "../i18n";
import {useNames} from "../rest/queries";
import {useDesk} from "./desk";
import {reasonsOf} from "./explanation";

export function WhyPanel() {
  const {t} = useTranslation();
  const names = useNames(useLanguage());
  const explanation = useDesk((desk) => desk.agent?.explanation ?? null);
  if (explanation === null) return null;
  const reasons = reasonsOf(explanation, t, names.agent);
  return (
    <div className="tl-why" data-testid="offer-why">
      <h3>{t("why.title")}</h3>
      <ul>
        {reasons.sentences.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
      {reasons.others.length > 0 && (
        <details>
          <summary>{t("why.others")}</summary>
          <ul>
            {reasons.others.map((other) => (
              <li key={other.name}>
                {other.name}: {other.reason}
              </li>
            ))}
          </ul>
          <p className="tl-quiet">{t("why.policy", {version: explanation.policy_version})}</p>
        </details>
      )}
    </div>
  );
}
