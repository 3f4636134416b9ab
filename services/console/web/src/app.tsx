/** The application: providers and routes. */

import {QueryClientProvider} from "@tanstack/react-query";
import {App as AntdApp, ConfigProvider} from "antd";
import enUS from "antd/locale/en_US";
import zhCN from "antd/locale/zh_CN";
import {lazy, Suspense} from "react";
import {createBrowserRouter, Navigate, RouterProvider} from "react-router";

import {useLanguage} from "./i18n";
import {LoginPage} from "./login/login-page";
import {queryClient} from "./rest/queries";
import {Broken, Home, Missing} from "./shell/home";
import {Shell} from "./shell/shell";
import {Waiting} from "./shell/waiting";

const DeskPage = lazy(() => import("./desk/desk-page"));
const WallPage = lazy(() => import("./wall/wall-page"));
const TicketsPage = lazy(() => import("./tickets/tickets-page"));
const ExplainPage = lazy(() => import("./explain/explain-page"));
const CustomerPage = lazy(() => import("./customers/customer-page"));

// The default colours are too light for small text (WCAG AA).
const THEME = {
  token: {
    colorPrimary: "#0958d9",
    colorPrimaryHover: "#0b4bb3",
    colorError: "#b4161b",
    colorSuccess: "#11692f",
    colorLink: "#0958d9",
    colorTextDescription: "#566070",
    colorTextPlaceholder: "#6b7280",
    borderRadius: 6,
    fontFamily: "inherit",
  },
  components: {Descriptions: {labelColor: "#566070"}},
};
const BUTTON = {autoInsertSpace: false};

const router = createBrowserRouter([
  {path: "/login", element: <LoginPage />, errorElement: <Broken />},
  {
    element: <Shell />,
    errorElement: <Broken />,
    children: [
      {path: "/", element: <Home />},
      {path: "/desk", element: <DeskPage />},
      {path: "/wall", element: <WallPage />},
      {path: "/tickets", element: <TicketsPage />},
      {path: "/customers/:customerId", element: <CustomerPage />},
      {path: "/customers", element: <Navigate to="/tickets" replace />},
      {path: "/why", element: <ExplainPage />},
      {path: "/why/:contactId", element: <ExplainPage />},
      {path: "*", element: <Missing />},
    ],
  },
]);

export function App() {
  const language = useLanguage();
  return (
    <ConfigProvider locale={language === "zh" ? zhCN : enUS} theme={THEME} button={BUTTON}>
      <AntdApp component={false}>
        <QueryClientProvider client={queryClient}>
          <Suspense fallback={<Waiting />}>
            <RouterProvider router={router} />
          </Suspense>
        </QueryClientProvider>
      </AntdApp>
    </ConfigProvider>
  );
}
