/** The list of keyboard shortcuts. */

import {Button, Modal} from "antd";
import {useTranslation} from "react-i18next";

import {useDialogs} from "./desk-keys";

const SHORTCUTS = [
  ["Alt+A", "accept"],
  ["Alt+D", "decline"],
  ["Alt+M", "message"],
  ["Alt+T", "ticket"],
  ["Enter", "send"],
  ["Shift+Enter", "newLine"],
  ["Esc", "escape"],
  ["?", "help"],
] as const;

export function ShortcutsButton() {
  const {t} = useTranslation();
  const open = useDialogs((dialogs) => dialogs.help);
  const close = () => useDialogs.setState({help: false});
  return (
    <>
      <Button
        size="small"
        shape="circle"
        aria-label={t("shortcuts.open")}
        title={t("shortcuts.open")}
        onClick={() => useDialogs.setState({help: true})}
        data-testid="shortcuts"
      >
        ?
      </Button>
      <Modal open={open} title={t("shortcuts.title")} onCancel={close} footer={null} width={460}>
        <dl className="tl-keys">
          {SHORTCUTS.map(([keys, what]) => (
            <div key={keys}>
              <dt>
                <kbd>{keys}</kbd>
              </dt>
              <dd>{t(`shortcuts.${what}`)}</dd>
            </div>
          ))}
        </dl>
      </Modal>
    </>
  );
}
