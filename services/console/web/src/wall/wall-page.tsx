/** Queues and agents, live, in large figures. */

import {Alert, Button, Empty} from "antd";
import {useTranslation} from "react-i18next";

import {useDirectory} from "../rest/queries";
import {usePageTitle} from "../shell/page-title";
import {Waiting} from "../shell/waiting";
import {AgentGrid} from "./agent-grid";
import {QueueCard} from "./queue-card";
import {useWall, useWallConnection} from "./wall";
import {sortedQueues} from "./wall-order";

export default function WallPage() {
  const {t} = useTranslation();
  const known = useWall((wall) => wall.known);
  const lost = useWall((wall) => wall.known && wall.connection !== "open");
  usePageTitle(t("wall.title"));
  useWallConnection();
  if (!known) return <Waiting />;
  return (
    <div className="tl-wall">
      <div className="tl-page-head">
        <h1 className="tl-unseen">{t("wall.title")}</h1>
        <h2>{t("wall.queues")}</h2>
        <span className="tl-spring" />
        <Button onClick={() => void document.documentElement.requestFullscreen()}>{t("wall.fullscreen")}</Button>
      </div>
      {lost && <Alert type="error" showIcon title={t("connection.wallLost")} data-testid="disconnected" />}
      <Queues />
      <AgentGrid />
    </div>
  );
}

function Queues() {
  const {t} = useTranslation();
  const {data: directory} = useDirectory();
  const queues = useWall((wall) => wall.queues);
  const rows = sortedQueues(queues, directory?.queues ?? []);
  if (rows.length === 0) return <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t("wall.noQueues")} />;
  return (
    <div className="tl-queues">
      {rows.map((row) => (
        <QueueCard key={row.queue_id} row={row} />
      ))}
    </div>
  );
}
