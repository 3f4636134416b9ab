/** Why a contact went to an agent, or why it still waits, in the server's words. The address has the contact's id. */

import {Alert, Button, Card, Flex, Input} from "antd";
import {useTranslation} from "react-i18next";
import {useNavigate, useParams} from "react-router";

import {useLanguage} from "../i18n";
import {useRefusalText} from "../i18n/refusal-text";
import {Problem} from "../rest/client";
import {useExplanation} from "../rest/queries";
import {usePageTitle} from "../shell/page-title";
import {Waiting} from "../shell/waiting";

export default function ExplainPage() {
  const {t} = useTranslation();
  const {contactId = ""} = useParams();
  const navigate = useNavigate();
  usePageTitle(t("explain.title"));
  const ask = (text: string) => {
    const contact_id = text.trim();
    if (contact_id !== "") void navigate(`/why/${encodeURIComponent(contact_id)}`);
  };
  return (
    <div className="tl-page">
      <h1>{t("explain.title")}</h1>
      <Card>
        <Flex vertical gap="middle">
          <span className="tl-quiet">{t("explain.help")}</span>
          <Input.Search
            key={contactId}
            defaultValue={contactId}
            enterButton={t("explain.ask")}
            aria-label={t("explain.contact")}
            placeholder={t("explain.contact")}
            maxLength={64}
            onSearch={ask}
            data-testid="explain-contact"
          />
          {contactId !== "" && <Sentences contact_id={contactId} />}
        </Flex>
      </Card>
    </div>
  );
}

function Sentences({contact_id}: {contact_id: string}) {
  const {t} = useTranslation();
  const refusalText = useRefusalText();
  const {data, error, isPending, isFetching, refetch} = useExplanation(contact_id, useLanguage());
  if (isPending) return <Waiting />;
  const again = (
    <Button loading={isFetching} onClick={() => void refetch()}>
      {t("explain.again")}
    </Button>
  );
  if (error !== null) {
    const unknown = error instanceof Problem && error.status === 404;
    return (
      <div data-testid="explain-failed">
        <Alert type="error" showIcon title={unknown ? t("explain.unknown") : refusalText(error)} action={again} />
      </div>
    );
  }
  return (
    <div data-testid="explain-sentences" aria-live="polite">
      <ul>
        {data.sentences.map((sentence, place) => (
          <li key={`${place.toString()} ${sentence}`}>{sentence}</li>
        ))}
      </ul>
      {again}
    </div>
  );
}
