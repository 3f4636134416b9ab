/** The title of the tab. */

import {useEffect} from "react";

export function usePageTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Trunkline`;
  }, [title]);
}
