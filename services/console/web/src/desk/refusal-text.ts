/** Why the server refused, in words. */

import {useCallback} from "react";
import {useTranslation} from "react-i18next";

import type {Refusal} from "../connection/outbox";

export function useRefusalText(): (refusal: Refusal) => string {
  const {t} = useTranslation();
  return useCallback(
    ({reason, message}) => {
      const known = t(`refusal.${reason}` as "refusal.Timeout", {defaultValue: ""});
      return t("refusal.prefix", {message: known || message || reason});
    },
    [t],
  );
}
