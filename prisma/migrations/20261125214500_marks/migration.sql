-- What can't be true of a point is marked once its neighbours are known. Of a stored point the service may change that and nothing else.
grant update (flags) on positions to restline_service;
