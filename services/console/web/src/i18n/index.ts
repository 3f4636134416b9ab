/** The language of the page: chosen by the browser at first, then by the user, who is remembered. */

import "dayjs/locale/zh-cn";

import dayjs from "dayjs";
import i18next from "i18next";
import {initReactI18next, useTranslation} from "react-i18next";

import type {Language} from "../contract/text";
import {en} from "./en";
import {zh} from "./zh";

const REMEMBERED = "trunkline.language";

declare module "i18next" {
  interface CustomTypeOptions {
    defaultNS: "translation";
    resources: {translation: typeof en};
  }
}

/** @param remembered what the user chose before. @param browser the browser's language, such as `zh-CN`. */
export function languageFor(remembered: string | null, browser: string): Language {
  if (remembered === "zh" || remembered === "en") return remembered;
  return browser.toLowerCase().startsWith("zh") ? "zh" : "en";
}

export async function startI18n(): Promise<void> {
  i18next.on("languageChanged", follow);
  await i18next.use(initReactI18next).init({
    lng: languageFor(recall(), navigator.language),
    fallbackLng: "en",
    resources: {en: {translation: en}, zh: {translation: zh}},
    interpolation: {escapeValue: false},
    returnNull: false,
  });
}

export function useLanguage(): Language {
  const {i18n} = useTranslation();
  return i18n.language === "zh" ? "zh" : "en";
}

export function switchLanguage(): void {
  const next: Language = i18next.language === "zh" ? "en" : "zh";
  try {
    localStorage.setItem(REMEMBERED, next);
  } catch {
    // A browser that keeps nothing still switches.
  }
  void i18next.changeLanguage(next);
}

function recall(): string | null {
  try {
    return localStorage.getItem(REMEMBERED);
  } catch {
    return null;
  }
}

function follow(language: string): void {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  dayjs.locale(language === "zh" ? "zh-cn" : "en");
}
