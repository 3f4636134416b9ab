/** Texts in both languages. */

/** The longest message in bytes of UTF-8; channels refuses a longer one. */
export const MAX_TEXT_BYTES = 31 * 1024;

export function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

export type Language = "zh" | "en";

export interface LocalizedText {
  zh?: string;
  en?: string;
}

export type Text = string | LocalizedText;

/** The text in a language, else in the other one. */
export function inLanguage(text: Text | null | undefined, language: Language): string {
  if (text == null) return "";
  if (typeof text === "string") return text;
  const other: Language = language === "zh" ? "en" : "zh";
  return (text[language] ?? "") || (text[other] ?? "");
}
