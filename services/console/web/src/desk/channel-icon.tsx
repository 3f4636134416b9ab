/** A small picture of a channel. */

import {useTranslation} from "react-i18next";

const PATHS = {
  CHAT: "M4 4h16v11H9l-5 4z",
  VOICE: "M6 3l4 1 1 5-2.5 1.5a12 12 0 0 0 5 5L15 13l5 1 1 4c-1 3-4 3-6 2C9 17.5 5.500 13.500 3.500 8 3 6 4 4 6 3z",
};

export function ChannelIcon({channel}: {channel: "CHAT" | "VOICE"}) {
  const {t} = useTranslation();
  return (
    <svg className="tl-icon" viewBox="0 0 24 24" role="img" aria-label={t(`desk.channel.${channel}`)}>
      <path d={PATHS[channel]} fill="currentColor" />
    </svg>
  );
}
