/** Whether a customer may be called at all. */

import {App, Checkbox} from "antd";
import {useTranslation} from "react-i18next";

import type {Customer} from "../contract/rest";
import {useRefusalText} from "../i18n/refusal-text";
import {useDoNotCall} from "../rest/queries";

export function DoNotCall({customer}: {customer: Customer}) {
  const {t} = useTranslation();
  const {message} = App.useApp();
  const refusalText = useRefusalText();
  const setting = useDoNotCall(customer.customer_id);
  const set = (do_not_call: boolean) =>
    setting.mutate(do_not_call, {
      onSuccess: () => void message.success(t(do_not_call ? "customer.doNotCallOn" : "customer.doNotCallOff")),
      onError: (error) => void message.error(refusalText(error)),
    });
  return (
    <div>
      <Checkbox
        checked={setting.isPending ? setting.variables : customer.do_not_call}
        disabled={setting.isPending}
        onChange={(event) => set(event.target.checked)}
        data-testid="do-not-call"
      >
        {t("customer.doNotCall")}
      </Checkbox>
      <p className="tl-quiet">{t("customer.doNotCallHelp")}</p>
    </div>
  );
}
