/** The look of the widget; it lives in the shadow root, so the page's own look neither reaches it nor suffers. */

export const STYLE = `
:host {
  all: initial;
}
* {
  box-sizing: border-box;
  font-family: system-ui, "Segoe UI", Roboto, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif;
}
[hidden] {
  display: none !important;
}
button {
  border: 0;
  border-radius: 8px;
  font-size: 14px;
  cursor: pointer;
}
button:focus-visible,
.log:focus-visible,
.input:focus-visible {
  outline: 2px solid #0958d9;
  outline-offset: 2px;
}
.launcher {
  position: fixed;
  right: 24px;
  bottom: 24px;
  z-index: 2147483000;
  width: 60px;
  height: 60px;
  padding: 0;
  border-radius: 50%;
  background: #0958d9;
  box-shadow: 0 6px 20px rgb(0 0 0 / 28%);
}
.launcher svg {
  width: 28px;
  height: 28px;
  margin-top: 4px;
  fill: #fff;
}
.badge {
  position: absolute;
  top: -4px;
  right: -4px;
  min-width: 22px;
  padding: 0 6px;
  border-radius: 11px;
  background: #c81e1e;
  color: #fff;
  font-size: 13px;
  line-height: 22px;
}
.panel {
  position: fixed;
  right: 24px;
  bottom: 96px;
  z-index: 2147483000;
  display: flex;
  flex-direction: column;
  width: min(380px, calc(100vw - 32px));
  height: min(560px, calc(100vh - 120px));
  overflow: hidden;
  border-radius: 14px;
  background: #f5f7fa;
  box-shadow: 0 10px 40px rgb(0 0 0 / 25%);
  color: #1f2937;
  font-size: 14px;
  line-height: 1.5;
}
.head {
  display: flex;
  align-items: center;
  gap: 8px;
  padding: 12px 12px 12px 18px;
  background: #0958d9;
  color: #fff;
}
.titles {
  flex: 1;
  min-width: 0;
}
.heading {
  margin: 0;
  font-size: 16px;
  font-weight: 600;
}
.status {
  margin: 0;
  font-size: 13px;
}
.plain {
  padding: 6px;
  background: transparent;
  color: #fff;
}
.plain:hover {
  background: rgb(255 255 255 / 18%);
}
.plain:focus-visible {
  outline-color: #fff;
}
.plain svg {
  display: block;
  width: 20px;
  height: 20px;
  fill: none;
  stroke: #fff;
  stroke-width: 2.2;
  stroke-linecap: round;
}
.leave {
  flex: none;
  padding: 4px 10px;
  border: 1px solid rgb(255 255 255 / 60%);
}
.log {
  display: flex;
  flex: 1;
  flex-direction: column;
  gap: 8px;
  min-height: 0;
  padding: 14px;
  overflow-y: auto;
}
.bubble {
  display: flex;
  flex-direction: column;
  align-self: flex-start;
  align-items: flex-start;
  max-width: 84%;
}
.author {
  margin: 0 4px;
  color: #566070;
  font-size: 12px;
}
.text {
  padding: 7px 12px;
  border: 1px solid #dfe3ea;
  border-radius: 4px 12px 12px;
  background: #fff;
  white-space: pre-wrap;
  overflow-wrap: anywhere;
}
.customer {
  align-self: flex-end;
  align-items: flex-end;
}
.customer .text {
  border-color: #0958d9;
  border-radius: 12px 4px 12px 12px;
  background: #0958d9;
  color: #fff;
}
.sending .text {
  opacity: 0.75;
}
.failed .text {
  border-color: #b4161b;
  background: #b4161b;
}
.options {
  display: flex;
  flex-wrap: wrap;
  gap: 8px;
  padding: 4px 14px 12px;
}
.caption {
  flex-basis: 100%;
  color: #5b6472;
  font-size: 13px;
}
.option {
  padding: 7px 14px;
  border: 1px solid #0958d9;
  border-radius: 18px;
  background: #fff;
  color: #0958d9;
}
.option:hover {
  background: #e8f0fe;
}
.form {
  display: flex;
  align-items: flex-end;
  gap: 8px;
  padding: 10px 12px;
  border-top: 1px solid #dfe3ea;
  background: #fff;
}
.input {
  flex: 1;
  min-width: 0;
  padding: 8px 10px;
  border: 1px solid #8b95a5;
  border-radius: 8px;
  background: #fff;
  color: inherit;
  font-size: 14px;
  line-height: 1.4;
  resize: none;
}
.input::placeholder {
  color: #6b7280;
}
.primary {
  flex: none;
  padding: 9px 16px;
  background: #0958d9;
  color: #fff;
}
.primary:hover {
  background: #003eb3;
}
.primary:disabled {
  background: #e5e7eb;
  color: #4b5563;
  cursor: default;
}
.again {
  margin: 12px;
}
@media (max-width: 480px) {
  .panel {
    right: 16px;
  }
}
`;
