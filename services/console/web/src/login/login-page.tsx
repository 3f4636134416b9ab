/** Log-in. The tenant is the server's; the page asks for a name and a password. */

import {Alert, Button, Card, Form, Input} from "antd";
import {useEffect, useState} from "react";
import {useTranslation} from "react-i18next";
import {Navigate, useLocation, useNavigate} from "react-router";

import {Problem} from "../rest/client";
import {logIn, useMe} from "../rest/queries";
import {LanguageButton} from "../shell/language-button";

interface Credentials {
  login: string;
  password: string;
}

type Failure = "wrong" | "tooMany" | "unreachable";

export function LoginPage() {
  const {t} = useTranslation();
  const {data: me} = useMe();
  const destination = useDestination();
  const {busy, failure, submit} = useLogin(destination);
  const required = [{required: true, message: t("login.missing")}];
  useEffect(() => {
    document.title = `${t("login.submit")} · Trunkline`;
  }, [t]);
  if (me && !busy) return <Navigate to={destination} replace />;
  return (
    <main className="tl-login">
      <Card className="tl-login-card">
        <div className="tl-login-head">
          <img src="/favicon.svg" alt="" width={36} height={36} />
          <h1>{t("login.title")}</h1>
        </div>
        {failure !== null && <Alert type="error" showIcon title={t(`login.${failure}`)} data-testid="login-error" />}
        <Form<Credentials> layout="vertical" requiredMark={false} onFinish={submit} disabled={busy}>
          <Form.Item name="login" label={t("login.login")} rules={required}>
            <Input autoFocus autoComplete="username" autoCapitalize="none" size="large" data-testid="login" />
          </Form.Item>
          <Form.Item name="password" label={t("login.password")} rules={required}>
            <Input.Password autoComplete="current-password" size="large" data-testid="password" />
          </Form.Item>
          <Button type="primary" htmlType="submit" size="large" block loading={busy} data-testid="submit">
            {t("login.submit")}
          </Button>
        </Form>
        <div className="tl-login-foot">
          <LanguageButton />
        </div>
      </Card>
    </main>
  );
}

function useLogin(destination: string) {
  const navigate = useNavigate();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const submit = async ({login, password}: Credentials) => {
    setBusy(true);
    setFailure(null);
    try {
      await logIn(login.trim(), password);
      await navigate(destination, {replace: true});
    } catch (error) {
      setFailure(failureOf(error));
    } finally {
      setBusy(false);
    }
  };
  return {busy, failure, submit};
}

function failureOf(error: unknown): Failure {
  const status = error instanceof Problem ? error.status : 0;
  if (status === 429) return "tooMany";
  return status >= 400 && status < 500 ? "wrong" : "unreachable";
}

function useDestination(): string {
  const state = useLocation().state as {from?: string} | null;
  return state?.from ?? "/";
}
