/** Tickets by state, with their notes; `?ticket=` names one whose notes are open at first. */

import {Button, Empty, Segmented, Table} from "antd";
import {useState} from "react";
import {useTranslation} from "react-i18next";
import {Link, useSearchParams} from "react-router";

import {type Ticket, TICKET_STATES, type TicketState} from "../contract/rest";
import {moment} from "../i18n/duration";
import {useTickets} from "../rest/queries";
import {usePageTitle} from "../shell/page-title";
import {Failed} from "../shell/waiting";
import {Notes} from "./notes";
import {StateSelect} from "./state-select";

export default function TicketsPage() {
  const {t} = useTranslation();
  const [state, choose] = useStateFilter();
  const tickets = useTickets(state);
  usePageTitle(t("ticket.title"));
  const options = [
    {value: "", label: t("ticket.all")},
    ...TICKET_STATES.map((value) => ({value, label: t(`ticket.state.${value}`)})),
  ];
  return (
    <div className="tl-page">
      <div className="tl-page-head">
        <h1>{t("ticket.title")}</h1>
        <Segmented
          options={options}
          value={state}
          onChange={(value) => choose(value as TicketState | "")}
          aria-label={t("ticket.stateLabel")}
          data-testid="ticket-filter"
        />
        <span className="tl-spring" />
        <Button onClick={() => void tickets.refetch()} loading={tickets.isFetching}>
          {t("ticket.refresh")}
        </Button>
      </div>
      {tickets.isError && <Failed retry={() => void tickets.refetch()} />}
      <TicketTable tickets={tickets.data?.pages.flatMap((page) => page.items) ?? []} loading={tickets.isPending} />
      {tickets.hasNextPage && (
        <Button block onClick={() => void tickets.fetchNextPage()} loading={tickets.isFetchingNextPage}>
          {t("common.more")}
        </Button>
      )}
    </div>
  );
}

function useStateFilter(): [TicketState | "", (state: TicketState | "") => void] {
  const [query, setQuery] = useSearchParams();
  const state = TICKET_STATES.find((known) => known === query.get("state")) ?? "";
  return [state, (next) => setQuery(next === "" ? {} : {state: next}, {replace: true})];
}

function TicketTable({tickets, loading}: {tickets: Ticket[]; loading: boolean}) {
  const {t} = useTranslation();
  const [query] = useSearchParams();
  const [opened, setOpened] = useState<readonly React.Key[]>(query.getAll("ticket"));
  const columns = [
    {title: t("ticket.subject"), dataIndex: "subject", render: (subject: string) => <strong>{subject}</strong>},
    {
      title: t("ticket.stateLabel"),
      key: "state",
      width: 150,
      onCell: keepFolded,
      render: (_: unknown, ticket: Ticket) => <StateSelect ticket={ticket} />,
    },
    {
      title: t("ticket.customer"),
      dataIndex: "customer_id",
      width: 150,
      onCell: keepFolded,
      render: (id: string) => <CustomerLink customer_id={id} />,
    },
    {title: t("ticket.notes"), key: "notes", width: 90, render: (_: unknown, {notes}: Ticket) => notes.length || ""},
    {title: t("ticket.created_at"), dataIndex: "created", width: 170, render: (created: string) => moment(created)},
  ];
  return (
    <Table<Ticket>
      rowKey="ticket_id"
      columns={columns}
      dataSource={tickets}
      loading={loading}
      pagination={false}
      onRow={(ticket) => ({"data-testid": `ticket-${ticket.ticket_id}`}) as object}
      expandable={{
        columnTitle: <span className="tl-unseen">{t("ticket.notes")}</span>,
        expandRowByClick: true,
        expandedRowKeys: opened,
        onExpandedRowsChange: setOpened,
        expandedRowRender: (ticket) => <Notes ticket={ticket} />,
      }}
      locale={{emptyText: <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t("ticket.empty")} />}}
    />
  );
}

/** A click on a control of the line is not a click on the line. */
function keepFolded() {
  return {onClick: (event: React.MouseEvent) => event.stopPropagation()};
}

function CustomerLink({customer_id}: {customer_id: string}) {
  const {t} = useTranslation();
  if (customer_id === "") return null;
  return <Link to={`/customers/${customer_id}`}>{t("ticket.openCustomer")}</Link>;
}
