/** What all pages of a logged-in user share: the bar on top, the notices, the offer that follows the agent. */

import {useEffect} from "react";
import {Navigate, Outlet, useLocation} from "react-router";

import {startDesk, stopDesk, useDesk} from "../desk/desk";
import {Notices} from "../desk/notices";
import {OfferFollower} from "../desk/offer-follower";
import {useOfferAlarm} from "../desk/offer-alarm";
import {queryClient, useMe} from "../rest/queries";
import {TopBar} from "./top-bar";
import {Failed, Waiting} from "./waiting";

export function Shell() {
  const {data: me, isError, refetch} = useMe();
  const {pathname} = useLocation();
  if (me === undefined) return isError ? <Failed retry={() => void refetch()} /> : <Waiting />;
  if (me === null) return <Navigate to="/login" state={{from: pathname}} replace />;
  return (
    <div className="tl-shell">
      <DeskHost wanted={me.roles.includes("AGENT") && pathname === "/desk"} />
      <TopBar me={me} />
      <Notices />
      {pathname !== "/desk" && <OfferFollower />}
      <main className="tl-main">
        <Outlet />
      </main>
    </div>
  );
}

/** Opens the desk with the first visit of its page; it stays while the tab shows other pages, until the log-out. */
function DeskHost({wanted}: {wanted: boolean}) {
  const idle = useDesk((desk) => desk.connection === "stopped" && !desk.replaced);
  useOfferAlarm();
  useEffect(() => stopDesk, []);
  useEffect(() => {
    if (wanted && idle) startDesk(() => void queryClient.invalidateQueries({queryKey: ["me"]}));
  }, [wanted, idle]);
  return null;
}
