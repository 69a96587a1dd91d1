;; whole
(component
  (import "acme:cloud/credentials@1.0.0" (instance))
  (instance $rules)
  (export "karpcheck:rules/rules@0.1.0" (instance $rules)))
