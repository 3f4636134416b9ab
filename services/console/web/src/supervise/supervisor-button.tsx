/** A small button that only who commands agents sees, or whom `may` admits; it opens something, and what it opens closes it again. */

import {Button} from "antd";
import {useState} from "react";

import {useMe} from "../rest/queries";
import type {Me} from "../contract/rest";
import {mayCommand} from "../rest/roles";

interface Props {
  label: string;
  testid: string;
  className?: string;
  may?: (me: Me | null | undefined) => boolean;
  /** Whether there is anything to open; what is open stays open. */
  isOffered?: boolean;
  opens: (close: () => void) => React.ReactNode;
}

export function SupervisorButton({label, testid, className = "", may = mayCommand, isOffered = true, opens}: Props) {
  const {data: me} = useMe();
  const [isOpen, setOpen] = useState(false);
  if (!may(me)) return null;
  return (
    <>
      {isOffered && (
        <Button
          size="small"
          className={className}
          onClick={() => {
            setOpen(true);
          }}
          data-testid={testid}
        >
          {label}
        </Button>
      )}
      {isOpen &&
        opens(() => {
          setOpen(false);
        })}
    </>
  );
}
