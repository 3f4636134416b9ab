/** Whether the desk is connected, in the top bar. */

import {useTranslation} from "react-i18next";

import {useDesk} from "./desk";

const TONES = {open: "good", connecting: "busy", waiting: "bad", stopped: "idle"} as const;

export function ConnectionTag() {
  const {t} = useTranslation();
  const connection = useDesk((desk) => desk.connection);
  return (
    <span
      className={`tl-tag tl-tag-${TONES[connection]} tl-centred`}
      data-testid="connection"
      data-state={connection}
      role="status"
    >
      {t(`connection.${connection}`)}
    </span>
  );
}
