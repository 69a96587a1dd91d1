;; Doubles itself by handing a component to components, where no index says what is instantiated.
;; whole
(component
  (component $twice (import "c" (component $c)) (instance (instantiate $c)) (instance (instantiate $c)))
  (component $one)
  (instance (instantiate $twice (with "c" (component $one))))
  (instance $e) (export "karpcheck:rules/rules@0.1.0" (instance $e)))
