/** Names of break reasons. */

import {useTranslation} from "react-i18next";

/** @returns the name of a reason; one that this version does not know stands for itself. */
export function useReasonName(): (reason: string) => string {
  const {t} = useTranslation();
  return (reason) => t(`intent.reason.${reason}` as "intent.reason.lunch", {defaultValue: reason});
}
