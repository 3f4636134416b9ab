import js from "@eslint/js";
import prettier from "eslint-config-prettier";
import hooks from "eslint-plugin-react-hooks";
import globals from "globals";
import tseslint from "typescript-eslint";

export default tseslint.config(
  {ignores: ["dist", "node_modules"]},
  js.configs.recommended,
  {
    files: ["**/*.{ts,tsx}"],
    extends: [
      tseslint.configs.strictTypeChecked,
      tseslint.configs.stylisticTypeChecked,
      hooks.configs.flat.recommended,
    ],
    languageOptions: {globals: globals.browser, parserOptions: {projectService: true}},
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", {allowNumber: true}],
      "@typescript-eslint/no-confusing-void-expression": [
        "error",
        {ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true},
      ],
      "@typescript-eslint/no-misused-promises": ["error", {checksVoidReturn: {attributes: false}}],
      "@typescript-eslint/consistent-type-definitions": ["error", "interface"],
    },
  },
  {files: ["*.js"], languageOptions: {globals: globals.node}},
  prettier,
);
