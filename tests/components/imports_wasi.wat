;; whole
(component
  (import "wasi:cli/environment@0.2.6" (instance))
  (import "wasi:filesystem/types@0.2.6" (instance))
  (instance $rules)
  (export "karpcheck:rules/rules@0.1.0" (instance $rules)))
