/** Names of the reasons for which supervisors decide something. */

import {useTranslation} from "react-i18next";

/** @returns the name of a reason; one that this version does not know stands for itself. */
export function useSupervisionReason(): (reason: string) => string {
  const {t} = useTranslation();
  return (reason) => t(`supervise.reason.${reason}` as "supervise.reason.other", {defaultValue: reason});
}
