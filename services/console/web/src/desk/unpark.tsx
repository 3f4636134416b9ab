/** In place of the message box: the chat is parked, and is taken up before the agent writes. */

import {Button} from "antd";
import {useTranslation} from "react-i18next";

import type {WorkItem} from "../contract/desk";
import {actions, useDesk} from "./desk";

export function Unpark({item}: {item: WorkItem}) {
  const {t} = useTranslation();
  const pending = useDesk((desk) => desk.pending.has(`unpark:${item.contact_id}`));
  return (
    <div className="tl-foot-hint">
      <p role="status">{t(item.customer_waits === null ? "parking.silent" : "parking.waits")}</p>
      <Button
        type="primary"
        loading={pending}
        onClick={() => void actions.unpark(item.contact_id)}
        data-testid="unpark"
      >
        {t("parking.unpark")}
      </Button>
    </div>
  );
}
