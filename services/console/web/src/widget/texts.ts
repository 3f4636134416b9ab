/** Every text of the widget, in both languages. */

import type {Language} from "../contract/text";

const en = {
  open: "Chat with us",
  close: "Close the chat window",
  title: "Chat with us",
  log: "Conversation",
  input: "Your message",
  placeholder: "Write a message …",
  send: "Send",
  leave: "End chat",
  again: "Start a new chat",
  you: "You",
  agent: "Agent",
  assistant: "Assistant",
  sending: "being sent …",
  notSent: "This was not sent. Please try again.",
  starting: "Starting …",
  self_service: "Automatic assistant",
  waiting: "Waiting for an agent …",
  choices: "While you wait",
  connected: "Connected with an agent",
  ended: "The chat has ended",
  inactive: "The chat has ended because nothing was written for a while",
  offline: "Connection lost. Reconnecting …",
  elsewhere: "Open in newer windows. Write here to go on",
  failed: "The chat cannot be reached right now. Trying again …",
  refused: "The chat is not available here.",
};

export type WidgetText = keyof typeof en;

const zh: Record<WidgetText, string> = {
  open: "在线客服",
  close: "收起聊天窗口",
  title: "在线客服",
  log: "会话",
  input: "消息",
  placeholder: "请输入消息……",
  send: "发送",
  leave: "结束会话",
  again: "开始新会话",
  you: "我",
  agent: "客服",
  assistant: "智能助手",
  sending: "发送中……",
  notSent: "消息未发送，请重试。",
  starting: "正在接入……",
  self_service: "智能助手为您服务",
  waiting: "正在排队，请等待客服……",
  choices: "等待期间您可以",
  connected: "客服已接入",
  ended: "会话已结束",
  inactive: "长时间没有消息，会话已结束",
  offline: "连接已断开，正在重连……",
  elsewhere: "会话已在较新的窗口中打开，在此输入即可继续",
  failed: "暂时无法连接客服，正在重试……",
  refused: "此处无法使用在线客服。",
};

export const TEXTS: Record<Language, Record<WidgetText, string>> = {en, zh};

/** @param wanted a language tag of the script or the page. */
export function languageOf(wanted: string): Language {
  return wanted.toLowerCase().startsWith("zh") ? "zh" : "en";
}
