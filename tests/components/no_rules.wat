;; whole
(component)
