// Live state comes here.
