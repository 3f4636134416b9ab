/** Shows an offer while the agent looks at another page; accepting leads back to the desk. */

import {useNavigate} from "react-router";

import {OfferCard} from "./offer-card";
import {useDeskKeys} from "./desk-keys";

export function OfferFollower() {
  const navigate = useNavigate();
  const toDesk = () => void navigate("/desk");
  useDeskKeys(toDesk);
  return <OfferCard after={toDesk} />;
}
