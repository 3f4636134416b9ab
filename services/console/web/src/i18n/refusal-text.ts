/** Why the server refused, in words. */

import {useCallback} from "react";
import {useTranslation} from "react-i18next";

import type {Refusal} from "../connection/outbox";

/** Takes an answer of the desk's socket or a failure of REST; what it does not know it shows as the server says it. */
export function useRefusalText(): (refusal: Refusal | Error) => string {
  const {t} = useTranslation();
  return useCallback(
    (refusal) => {
      const reason = "reason" in refusal ? refusal.reason : "Defect";
      const known = t(`refusal.${reason}` as "refusal.Timeout", {defaultValue: ""});
      return t("refusal.prefix", {message: known || refusal.message || reason});
    },
    [t],
  );
}
