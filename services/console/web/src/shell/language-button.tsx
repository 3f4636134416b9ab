/** Switches between Chinese and English. */

import {Button} from "antd";
import {useTranslation} from "react-i18next";

import {switchLanguage, useLanguage} from "../i18n";

export function LanguageButton() {
  const {t} = useTranslation();
  const other = useLanguage() === "zh" ? "en" : "zh-CN";
  return (
    <Button type="text" data-testid="language" lang={other} onClick={switchLanguage} title={t("languageLabel")}>
      {t("language")}
    </Button>
  );
}
