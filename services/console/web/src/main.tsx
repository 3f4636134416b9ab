/** Starts the application of the console. */

import "./style.css";

import {createRoot} from "react-dom/client";

import {App} from "./app";
import {startI18n} from "./i18n";

const root = document.getElementById("root");
if (root !== null) void startI18n().then(() => createRoot(root).render(<App />));
