/** What is shown while something loads, or could not be loaded. */

import {Alert, Button, Spin} from "antd";
import {useTranslation} from "react-i18next";

export function Waiting({text}: {text?: string}) {
  const {t} = useTranslation();
  return (
    <div className="tl-waiting" role="status">
      <Spin />
      <span>{text ?? t("common.loading")}</span>
    </div>
  );
}

export function Failed({retry}: {retry: () => void}) {
  const {t} = useTranslation();
  const action = (
    <Button size="small" onClick={retry}>
      {t("common.retry")}
    </Button>
  );
  return <Alert type="error" showIcon title={t("common.loadFailed")} action={action} />;
}
