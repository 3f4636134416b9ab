/** A ticket's state, which can be changed in place. */

import {App, Select} from "antd";
import {useTranslation} from "react-i18next";

import {type Ticket, TICKET_STATES, type TicketState} from "../contract/rest";
import {useRefusalText} from "../i18n/refusal-text";
import {useMoveTicket} from "../rest/queries";

export function StateSelect({ticket}: {ticket: Ticket}) {
  const {t} = useTranslation();
  const {message} = App.useApp();
  const refusalText = useRefusalText();
  const moving = useMoveTicket();
  const move = (state: TicketState) =>
    moving.mutate({ticket_id: ticket.ticket_id, state}, {onError: (error) => void message.error(refusalText(error))});
  return (
    <Select<TicketState>
      className={`tl-ticket-state tl-ticket-${ticket.state.toLowerCase()}`}
      value={moving.isPending ? moving.variables.state : ticket.state}
      loading={moving.isPending}
      onChange={move}
      aria-label={t("ticket.stateLabel")}
      options={TICKET_STATES.map((state) => ({value: state, label: t(`ticket.state.${state}`)}))}
      data-testid={`ticket-state-${ticket.ticket_id}`}
    />
  );
}
