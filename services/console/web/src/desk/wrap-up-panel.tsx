/** After a conversation: how did it end? */

import {Button, Radio} from "antd";
import {useState} from "react";
import {useTranslation} from "react-i18next";

import {useNow} from "../connection/ticking";
import type {WorkItem} from "../contract/desk";
import {inLanguage} from "../contract/text";
import {clockTime} from "../i18n/duration";
import {useLanguage} from "../i18n";
import {useDirectory} from "../rest/queries";
import {actions, deskClock, useDesk} from "./desk";

export function WrapUpPanel({item}: {item: WorkItem}) {
  const {t} = useTranslation();
  const [code, choose] = useState("");
  const pending = useDesk((desk) => desk.pending.has(`wrap_up:${item.contact_id}`));
  return (
    <section className="tl-panel tl-wrap-up" aria-label={t("wrapUp.title")} data-testid="wrap-up">
      <h2>
        {t("wrapUp.title")}
        {item.expires !== null && <Left expires={item.expires} />}
      </h2>
      <Codes chosen={code} choose={choose} />
      <Button
        type="primary"
        block
        disabled={code === ""}
        loading={pending}
        title={code === "" ? t("wrapUp.needCode") : ""}
        onClick={() => void actions.wrapUp(item.contact_id, code)}
        data-testid="wrap-up-finish"
      >
        {t("wrapUp.finish")}
      </Button>
      {item.expires !== null && item.extensions_left > 0 && <MoreTime item={item} />}
    </section>
  );
}

function MoreTime({item}: {item: WorkItem}) {
  const {t} = useTranslation();
  const pending = useDesk((desk) => desk.pending.has(`extend:${item.contact_id}`));
  return (
    <Button
      type="link"
      block
      loading={pending}
      onClick={() => void actions.extend(item.contact_id)}
      data-testid="wrap-up-extend"
    >
      {t("wrapUp.extend", {count: item.extensions_left})}
    </Button>
  );
}

function Codes({chosen, choose}: {chosen: string; choose: (code: string) => void}) {
  const {t} = useTranslation();
  const language = useLanguage();
  const {data} = useDirectory();
  const codes = data?.wrap_up_codes ?? [];
  if (data !== undefined && codes.length === 0) return <p className="tl-quiet">{t("wrapUp.noCodes")}</p>;
  return (
    <Radio.Group
      className="tl-codes"
      value={chosen}
      onChange={(event) => choose(event.target.value as string)}
      aria-label={t("wrapUp.choose")}
    >
      {codes.map(({code, name}) => (
        <Radio.Button key={code} value={code}>
          <span data-testid={`wrap-up-code-${code}`}>{inLanguage(name, language) || code}</span>
        </Radio.Button>
      ))}
    </Radio.Group>
  );
}

function Left({expires}: {expires: string}) {
  const {t} = useTranslation();
  const left_ms = Date.parse(expires) - useNow(deskClock);
  return <span className="tl-quiet">{t("wrapUp.left", {time: clockTime(left_ms)})}</span>;
}
