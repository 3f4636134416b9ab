/** Where `/` leads, and what is shown for unknown addresses and failed pages. */

import {Button, Result} from "antd";
import {useTranslation} from "react-i18next";
import {Link, Navigate} from "react-router";

import {useMe} from "../rest/queries";

export function Home() {
  const {data: me} = useMe();
  return <Navigate to={me?.roles.includes("AGENT") ? "/desk" : "/wall"} replace />;
}

/** What is shown when a page has failed. */
export function Broken() {
  const {t} = useTranslation();
  const again = (
    <Button type="primary" onClick={() => window.location.reload()}>
      {t("common.reload")}
    </Button>
  );
  return <Result status="error" title={<h1>{t("common.broken")}</h1>} extra={again} />;
}

/** Not antd's picture for 404: it carries an English title. */
export function Missing() {
  const {t} = useTranslation();
  return (
    <Result status="info" title={<h1>{t("common.notFound")}</h1>} extra={<Link to="/">{t("common.back")}</Link>} />
  );
}
